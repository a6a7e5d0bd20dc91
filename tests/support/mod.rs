//! CIFAR-10's own images, where they are.

use onelayer::data::{Dataset, Source, SplitFiles};

/// The lab's split of the files in the folder that `ONELAYER_DATA` names; without it none, said aloud.
pub fn real_images() -> Option<Dataset> {
    let Some(folder) = std::env::var_os("ONELAYER_DATA") else {
        println!("NOT CHECKED on real images: ONELAYER_DATA does not name a folder of CIFAR-10 files");
        return None;
    };
    Some(Dataset::open(&Source::Folder(folder.into()), &SplitFiles::default()).unwrap())
}
