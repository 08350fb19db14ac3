//! A project in a temporary folder.
