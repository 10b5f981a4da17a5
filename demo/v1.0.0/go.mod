module forge.example/demo

go 1.21.0

toolchain go1.26.8

require github.com/kardianos/service v1.2.2

require golang.org/x/sys v0.15.0 // indirect
