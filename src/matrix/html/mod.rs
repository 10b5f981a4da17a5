//! The matrix as one page that needs nothing else: no network, and scripts only for comfort.
//!
//! The page is `page.html`, `page.css` and `page.js`, filled in here. No data is handed to the script: it reads the table, so
//! there is one place where texts of others are escaped.

mod cards;
mod escape;
mod grid;
mod page;

pub use page::html;
