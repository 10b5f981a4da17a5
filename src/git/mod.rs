//! The only door to git: objects, trees and checkouts in process (`git2`, private to this folder), remotes through the `git`
//! program, so that authentication, proxies and `url.insteadOf` are those of the user.

pub mod objects;
