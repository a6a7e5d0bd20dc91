//! Data that is not as it was meant to be: what it is taken for, and what is said of it.

use std::fs;

use super::Desk;
use super::support::data_sets::write_pair;

/// A folder `data` with two splits of images of four pixels, three of which are the same in all of them.
fn desk() -> Desk {
    let desk = Desk::bare();
    let images: Vec<u8> = (0..20).flat_map(|image| [7, 7, 7, image]).collect();
    for split in ["train", "test"] {
        write_pair(&desk.path("data"), split, &[20, 4], &images, &[0, 1].repeat(10));
    }
    desk
}

#[test]
fn pixels_that_say_nothing_are_warned_of() {
    let desk = desk();
    let train = "train --data data --batch 1 --epochs 1 --no-report --overwrite --out run --quiet";
    for verb in [train, "info data"] {
        let (text, _) = desk.run(verb);
        assert!(text.contains("warning   3 of 4 pixels are constant in training\n"), "{text}");
    }
    write_pair(&desk.path("data"), "train", &[20, 4], &[0; 80], &[0, 1].repeat(10));
    let (text, _) = desk.run(train);
    assert!(text.contains("warning   all training images are the same: every pixel is constant\n"), "{text}");
    write_pair(&desk.path("data"), "train", &[20, 4], &(0..80).collect::<Vec<u8>>(), &[0, 1].repeat(10));
    assert!(!desk.run(train).0.contains("warning"));
}
