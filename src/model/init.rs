//! Initialization: weights, then bias, drawn from a normal distribution, or zero.

use std::fmt;
use std::str::FromStr;

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use super::Parameters;

/// What training begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Init {
    /// Weights and biases from N(0, 0.01^2).
    #[default]
    Normal,
    /// Weights and biases from N(0, 1/D).
    Xavier,
    /// Zeros.
    Zero,
}

impl Init {
    /// Every initialization.
    pub const ALL: [Self; 3] = [Self::Normal, Self::Xavier, Self::Zero];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Xavier => "xavier",
            Self::Zero => "zero",
        }
    }

    /// The standard deviation of each value, with D `features`.
    fn std(self, features: usize) -> f64 {
        match self {
            Self::Normal => 0.01,
            Self::Xavier => 1.0 / (features as f64).sqrt(),
            Self::Zero => 0.0,
        }
    }
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Init {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|init| init.name() == name).ok_or(())
    }
}

impl Parameters {
    /// What `init` says, drawn by Xoshiro256++ seeded with `seed`: weights in row-major order, then the bias. The same bits
    /// on every platform.
    pub fn initial(init: Init, classes: usize, features: usize, seed: u64) -> Self {
        if init == Init::Zero {
            return Self::zeros(classes, features);
        }
        let (std, mut deviates) =
            (init.std(features), NormalDeviates::new(Xoshiro256PlusPlus::seed_from_u64(seed)));
        let mut draw =
            |count: usize| -> Vec<f32> { (0..count).map(|_| (std * deviates.draw()) as f32).collect() };
        Self { classes, features, weight: draw(classes * features), bias: draw(classes) }
    }

    /// [`Parameters::initial`] of [`Init::Normal`].
    pub fn random(classes: usize, features: usize, seed: u64) -> Self {
        Self::initial(Init::Normal, classes, features, seed)
    }
}

/// Standard normal deviates by Marsaglia's polar method: two from each accepted pair of uniform ones.
///
/// Its only transcendental function is [`libm::log`], so that the bits do not depend on the platform.
pub(crate) struct NormalDeviates<R> {
    random: R,
    spare: Option<f64>,
}

impl<R: Rng> NormalDeviates<R> {
    pub(crate) fn new(random: R) -> Self {
        Self { random, spare: None }
    }

    /// The next deviate, from N(0, 1).
    pub(crate) fn draw(&mut self) -> f64 {
        if let Some(deviate) = self.spare.take() {
            return deviate;
        }
        loop {
            let (u, v) = (self.uniform(), self.uniform());
            let s = u * u + v * v;
            if s > 0.0 && s < 1.0 {
                let scale = (-2.0 * libm::log(s) / s).sqrt();
                self.spare = Some(v * scale);
                return u * scale;
            }
        }
    }

    /// Uniform in [-1, 1), a multiple of 2^-52.
    fn uniform(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1u64 << 52) as f64;
        (self.random.next_u64() >> 11) as f64 * STEP - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviates_have_the_moments_of_a_normal_distribution() {
        const N: usize = 200_000;
        let mut deviates = NormalDeviates::new(Xoshiro256PlusPlus::seed_from_u64(1));
        let drawn: Vec<f64> = (0..N).map(|_| deviates.draw()).collect();
        let moment = |power: i32| drawn.iter().map(|x| x.powi(power)).sum::<f64>() / N as f64;
        // Five standard errors of each moment's estimate.
        let error = |variance: f64| 5.0 * (variance / N as f64).sqrt();
        assert!(moment(1).abs() < error(1.0));
        assert!((moment(2) - 1.0).abs() < error(2.0));
        assert!(moment(3).abs() < error(15.0));
        assert!((moment(4) - 3.0).abs() < error(96.0));
    }

    #[test]
    fn initial_values_have_the_deviation_of_their_name() {
        for (init, expected) in [(Init::Normal, 0.01), (Init::Xavier, 0.02), (Init::Zero, 0.0)] {
            let Parameters { weight, .. } = Parameters::initial(init, 8, 2500, 3);
            let square: f64 = weight.iter().map(|&w| f64::from(w).powi(2)).sum();
            let std = (square / weight.len() as f64).sqrt();
            assert!((std - expected).abs() < 0.03 * expected + 1e-30, "{init}: {std}");
        }
    }

    #[test]
    fn seed_zero_draws_the_same_bits_on_every_platform() {
        let parameters = Parameters::random(2, 3, 0);
        let bits: Vec<u32> = parameters.weight.iter().chain(&parameters.bias).map(|w| w.to_bits()).collect();
        // From an implementation of SplitMix64, Xoshiro256++ and the polar method of their published texts, in
        // another language.
        let expected = [
            0xbc7c_81e2,
            0xbc29_8164,
            0xb829_7fde,
            0xbb86_3993,
            0x3a92_59cf,
            0x3a8d_8abe,
            0xbb07_0e31,
            0xbb8c_2bb4,
        ];
        assert_eq!(bits, expected);
    }
}
