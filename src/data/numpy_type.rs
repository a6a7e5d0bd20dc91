//! The types of numbers in NumPy's arrays.

/// A type: bytes, integers or floats, of some size, in some order of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumpyType {
    class: Class,
    /// The bytes of a number.
    pub size: usize,
    big_endian: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Unsigned,
    Signed,
    Float,
}

impl NumpyType {
    /// `uint8`.
    pub const BYTE: Self = Self { class: Class::Unsigned, size: 1, big_endian: false };

    /// The type that NumPy writes as `text`: `|u1`, `<f4`, `>i8`. None of others than bytes, integers, and floats of 2, 4
    /// or 8 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let (order, rest) = match text.chars().next()? {
            order @ ('<' | '>' | '|' | '=') => (order, &text[1..]),
            _ => ('=', text),
        };
        let class = match rest.chars().next()? {
            'u' => Class::Unsigned,
            'i' => Class::Signed,
            'f' => Class::Float,
            _ => return None,
        };
        let size = rest[1..].parse().ok()?;
        let known = matches!((class, size), (Class::Float, 2 | 4 | 8))
            || (class != Class::Float && matches!(size, 1 | 2 | 4 | 8));
        // The order of one byte means nothing.
        known.then_some(Self { class, size, big_endian: order == '>' && size > 1 })
    }

    /// Its name in NumPy.
    pub fn name(self) -> String {
        let class = match self.class {
            Class::Unsigned => "uint",
            Class::Signed => "int",
            Class::Float => "float",
        };
        format!("{class}{}", 8 * self.size)
    }

    /// Whether numbers are f32 as this machine has them.
    pub fn is_native_f32(self) -> bool {
        let native = cfg!(target_endian = "big") == self.big_endian;
        self.class == Class::Float && self.size == 4 && native
    }

    /// The numbers in `bytes`, rounded to f32; none where they are no floats.
    pub fn floats(self, bytes: &[u8]) -> Option<impl Iterator<Item = f32> + '_> {
        let number = move |bits: u64| match self.size {
            2 => half(bits as u16),
            4 => f32::from_bits(bits as u32),
            _ => f64::from_bits(bits) as f32,
        };
        (self.class == Class::Float).then(|| self.bits(bytes).map(number))
    }

    /// The numbers in `bytes`; none where they are no integers. What is larger than an i64 becomes its largest.
    pub fn integers(self, bytes: &[u8]) -> Option<impl Iterator<Item = i64> + '_> {
        let unused = 64 - 8 * self.size as u32;
        let number = move |bits: u64| match self.class {
            Class::Unsigned => i64::try_from(bits).unwrap_or(i64::MAX),
            _ => ((bits << unused) as i64) >> unused,
        };
        (self.class != Class::Float).then(|| self.bits(bytes).map(number))
    }

    /// The bits of each number.
    fn bits(self, bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
        bytes.chunks_exact(self.size).map(move |bytes| {
            let fold = |bits: u64, byte: &u8| bits << 8 | u64::from(*byte);
            if self.big_endian { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) }
        })
    }
}

/// A float of 16 bits.
fn half(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let (exponent, fraction) = (u32::from(bits >> 10 & 31), u32::from(bits & 0x3FF));
    match exponent {
        // Subnormal: multiples of 2^-24, all of which an f32 holds.
        0 => f32::from_bits(sign | (fraction as f32 * 2f32.powi(-24)).to_bits()),
        31 => f32::from_bits(sign | 0x7F80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_those_of_ieee_754() {
        for (bits, expected) in [
            (0x0000, 0.0),
            (0x8000, -0.0),
            (0x0001, 2f32.powi(-24)),
            (0x03FF, 1023.0 * 2f32.powi(-24)),
            (0x0400, 2f32.powi(-14)),
            (0x3555, 0.333_251_95),
            (0xC000, -2.0),
            (0x7BFF, 65504.0),
            (0x7C00, f32::INFINITY),
        ] {
            assert_eq!(half(bits).to_bits(), f32::to_bits(expected), "{bits:x}");
        }
        assert!(half(0x7E00).is_nan());
    }

    #[test]
    fn numbers_of_any_size_and_order_are_read() {
        let of = |text: &str| NumpyType::parse(text).unwrap();
        assert!(of("<i2").integers(&[0xFF, 0xFF, 1, 0]).unwrap().eq([-1, 1]));
        assert!(of(">u4").integers(&[0, 0, 1, 2]).unwrap().eq([258]));
        assert!(of("|i1").integers(&[0x80]).unwrap().eq([-128]));
        assert!(of("<u8").integers(&[0xFF; 8]).unwrap().eq([i64::MAX]));
        assert!(of(">f8").floats(&1.5f64.to_be_bytes()).unwrap().eq([1.5]));
        assert!(of(">f4").floats(&(-0.25f32).to_be_bytes()).unwrap().eq([-0.25]));
        assert!(of("<f2").floats(&[0, 0xC0]).unwrap().eq([-2.0]));
        assert_eq!(
            (of("<f4").name(), of("|u1"), of("u1")),
            ("float32".into(), NumpyType::BYTE, NumpyType::BYTE)
        );
        for text in ["", "<", "|b1", "<c8", "<U3", "|S1", "<f16", "<u3", "<f"] {
            assert_eq!(NumpyType::parse(text), None, "{text}");
        }
    }
}
