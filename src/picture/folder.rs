//! Folders of pictures.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// What a file in a folder of pictures is called.
pub const EXTENSIONS: [&str; 6] = ["png", "jpg", "jpeg", "webp", "gif", "bmp"];

/// Whether `path` is a picture, by its name.
pub(crate) fn is_picture(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    EXTENSIONS.contains(&extension.as_str())
}

/// The pictures in a folder and in the folders within it, by path; there may be none. Links to folders are not followed:
/// they may lead back.
///
/// # Errors
/// A folder that cannot be read.
pub fn pictures_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut pictures, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        let unreadable = || Error::io(&folder, "read the folder");
        for entry in fs::read_dir(&folder).map_err(unreadable())? {
            let entry = entry.map_err(unreadable())?;
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            } else {
                pictures.extend(Some(entry.path()).filter(|path| is_picture(path)));
            }
        }
    }
    pictures.sort();
    Ok(pictures)
}
