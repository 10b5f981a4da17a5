module forge.example/demo

go 1.23.0

toolchain go1.26.8

require github.com/kardianos/service v1.2.4

require golang.org/x/sys v0.34.0 // indirect
