//! What a pickle builds: values that refer to each other by number, and to strings by their place in the file.

use std::ops::Range;

/// A value's number in the table.
pub(super) type Id = u32;

/// What a pickle builds.
#[derive(Debug)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i32),
    /// Python 2's string, bytes: where it lies in the file.
    Bytes(Range<usize>),
    /// Text in UTF-8: where it lies in the file.
    Text(Range<usize>),
    /// Python 3's bytes: text in UTF-8 whose characters are the bytes.
    Latin1(Range<usize>),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Name(Name),
    /// NumPy's type, by the code that it was made of.
    Dtype(Id),
    /// NumPy's array, by its state: a tuple of version, shape, type, order and bytes.
    Array(Option<Id>),
}

/// The names that a pickle of CIFAR may speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// What makes an array, whose state follows.
    Reconstruct,
    Ndarray,
    Dtype,
    /// How Python 3 writes bytes in this protocol.
    Encode,
}

impl Name {
    /// The one of this module and name.
    pub(super) fn of(module: &[u8], name: &[u8]) -> Option<Self> {
        match (module, name) {
            (b"numpy.core.multiarray" | b"numpy._core.multiarray", b"_reconstruct") => {
                Some(Self::Reconstruct)
            }
            (b"numpy", b"ndarray") => Some(Self::Ndarray),
            (b"numpy", b"dtype") => Some(Self::Dtype),
            (b"_codecs", b"encode") => Some(Self::Encode),
            _ => None,
        }
    }
}
