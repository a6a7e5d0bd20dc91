//! A pickle as CIFAR's Python version has them: images and labels, and the names of classes. The first byte says of
//! which data set.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use onelayer::data::{Format, Labels, pickle};
use onelayer_fuzz::{accepted, check_images, split};

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = split(bytes) else { return };
    let (format, labels, key) = [
        (Format::Cifar10Python, Labels::Fine, "label_names"),
        (Format::Cifar100Python, Labels::Fine, "fine_label_names"),
        (Format::Cifar100Python, Labels::Coarse, "coarse_label_names"),
    ][kind % 3];
    check_images(format, labels, bytes, kind + 1);
    accepted(Path::new("file"), pickle::names(Path::new("file"), bytes, key));
});
