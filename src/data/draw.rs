//! The draw of the images that validate: a pure function of the labels and the seed.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

/// How images are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draw {
    /// The share of the images, above 0 and below 1.
    pub share: f64,
    /// Where the draw comes from.
    pub seed: u64,
    /// Whether the share is drawn of each class.
    pub stratify: bool,
}

impl Draw {
    /// The numbers of the images that are drawn, rising: at least one, and not all. Of a class with two images or more at
    /// least one is drawn, and not all, where it is drawn of each class. `labels` has at least two images.
    pub(super) fn images(&self, labels: &[u16]) -> Vec<usize> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let group = |label: u16| if self.stratify { usize::from(label) } else { 0 };
        let groups = labels.iter().map(|&label| group(label)).max().map_or(0, |last| last + 1);
        let mut groups: Vec<Vec<usize>> = vec![Vec::new(); groups];
        labels.iter().enumerate().for_each(|(image, &label)| groups[group(label)].push(image));
        let mut drawn = Vec::new();
        for mut images in groups.into_iter().filter(|images| images.len() > 1) {
            let count = (self.share * images.len() as f64).round() as usize;
            images.shuffle(&mut random);
            drawn.extend_from_slice(&images[..count.clamp(1, images.len() - 1)]);
        }
        drawn.sort_unstable();
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(share: f64, seed: u64, stratify: bool, labels: &[u16]) -> Vec<usize> {
        Draw { share, seed, stratify }.images(labels)
    }

    #[test]
    fn a_draw_has_its_share_and_depends_on_the_seed_alone() {
        let labels = vec![0; 1000];
        let drawn = draw(0.2, 7, false, &labels);
        assert_eq!(drawn.len(), 200);
        assert!(drawn.is_sorted_by(|a, b| a < b) && drawn[199] < 1000);
        // Neither the first ones nor the last.
        let low = drawn.iter().filter(|&&image| image < 500).count();
        assert!((70..=130).contains(&low), "{low} of the first half");
        assert_eq!(drawn, draw(0.2, 7, false, &labels));
        assert_ne!(drawn, draw(0.2, 8, false, &labels));
        assert_eq!([1e-9, 1.0 - 1e-9].map(|share| draw(share, 0, false, &labels).len()), [1, 999]);
    }

    #[test]
    fn a_stratified_draw_has_its_share_of_each_class() {
        // Sorted by class: 600, 300, 90, 9, 2 and 1 images.
        let counts = [600, 300, 90, 9, 2, 1];
        let labels: Vec<u16> = (0..).zip(counts).flat_map(|(class, count)| vec![40 * class; count]).collect();
        for (share, expected) in [(0.2, [120, 60, 18, 2, 1, 0]), (0.9, [540, 270, 81, 8, 1, 0])] {
            let drawn = draw(share, 3, true, &labels);
            let of_class = |class: u16| drawn.iter().filter(|&&image| labels[image] == 40 * class).count();
            assert_eq!([0, 1, 2, 3, 4, 5].map(of_class), expected);
        }
    }

    #[test]
    fn a_draw_is_the_same_on_every_machine() {
        assert_eq!(draw(0.25, 1, false, &[0; 16]), [1, 8, 9, 13]);
        assert_eq!(draw(0.25, 1, true, &[0, 1].repeat(8)), [1, 4, 5, 8]);
    }
}
