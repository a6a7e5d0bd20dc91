//! A file of CIFAR's records. The first byte says of which kind, and how many classes there are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onelayer::data::{Format, Labels};
use onelayer_fuzz::{check_images, split};

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = split(bytes) else { return };
    let (format, labels) = [
        (Format::Cifar10Binary, Labels::Fine),
        (Format::Cifar100Binary, Labels::Fine),
        (Format::Cifar100Binary, Labels::Coarse),
    ][kind % 3];
    check_images(format, labels, bytes, kind + 1);
});
