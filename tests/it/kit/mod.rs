//! What the tests share: a [`Sandbox`] to run forge in, [`Upstream`]s with releases, and comparing of what forge said.

#![allow(dead_code, unused_imports, reason = "a kit offers more than each of its users takes")]

mod app;
mod host;
mod mail;
mod program;
mod proxy;
mod run;
mod sandbox;
mod server;
mod upstream;
mod wait;

pub(crate) use app::{PATCHED, PLATFORM, installed, names, output_of, service_go_mod, skip, tool, tool_ok};
pub(crate) use host::{git, go_version, goproxy, host, program};
pub(crate) use mail::series_toml;
pub(crate) use program::Program;
pub(crate) use proxy::ModuleProxy;
pub(crate) use run::{Cmd, Ran};
pub(crate) use sandbox::Sandbox;
pub(crate) use server::{Answer, Server};
pub(crate) use upstream::Upstream;
pub(crate) use wait::{running, wait_for};
