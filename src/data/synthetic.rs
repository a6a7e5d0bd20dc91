//! placeholder
use crate::error::Result;
use std::path::Path;
/// x
pub const NAME: &str = "synthetic";
/// x
pub fn write(_folder: &Path, _seed: u64) -> Result<()> {
    Ok(())
}
