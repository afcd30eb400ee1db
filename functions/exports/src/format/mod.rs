//! How files are written. Pure: rows in, bytes out.

pub(crate) mod csv;
pub(crate) mod html;
pub(crate) mod lines;
pub(crate) mod tar;
pub(crate) mod zip;
