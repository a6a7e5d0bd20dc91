//! `--probabilities`: a row for each image, written as they come.

use std::path::PathBuf;

use crate::data::npy;
use crate::error::{Result, one_line};
use crate::files::whole::WholeFile;
use crate::report::count;

/// A `.npy` file of f32 [N, K], of which the rows so far are written.
pub(super) struct Probabilities {
    path: PathBuf,
    file: WholeFile,
    shape: [usize; 2],
}

impl Probabilities {
    /// One without rows, for `classes` classes. The file has its name when it is complete.
    pub(super) fn begin(path: PathBuf, classes: usize) -> Result<Self> {
        let shape = [0, classes];
        Ok(Self { file: WholeFile::new(&path, &npy::before_floats(shape), false)?, path, shape })
    }

    /// Adds a row: K values.
    pub(super) fn add(&mut self, values: impl Iterator<Item = f32>) -> Result<()> {
        self.shape[0] += 1;
        self.file.append(&values.flat_map(f32::to_le_bytes).collect::<Vec<u8>>())
    }

    /// Completes the file. What was written, in words.
    pub(super) fn finish(mut self) -> Result<String> {
        self.file.overwrite_start(&npy::before_floats(self.shape))?;
        self.file.finish()?;
        let [images, classes] = self.shape.map(count);
        Ok(format!("written   {}: probabilities [{images}, {classes}]\n", one_line(self.path.display())))
    }
}
