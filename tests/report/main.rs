//! What the report promises, one file for each exporter.

mod folder;
