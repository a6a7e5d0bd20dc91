//! The values that a pickle builds. They refer to each other by index, and to strings by their place in the file.

use std::ops::Range;

/// A value's index in the table.
pub(super) type Id = u32;

/// A value that a pickle builds.
#[derive(Debug)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i32),
    /// A string of Python 2, or bytes of Python 3: its place in the file.
    Bytes(Range<usize>),
    /// Text in UTF-8: its place in the file.
    Text(Range<usize>),
    /// Bytes of Python 3 in protocol 2, written as text in UTF-8 with a character for each byte: its place in the file.
    Latin1(Range<usize>),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Name(Name),
    /// A type of NumPy, given by its code.
    Dtype(Id),
    /// An array of NumPy, given by its state: a tuple of version, shape, type, order and bytes.
    Array(Option<Id>),
}

/// The names that a pickle may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// The function that makes an array, whose state follows.
    Reconstruct,
    /// The function that makes an array of bytes, type, shape and order.
    FromBuffer,
    Ndarray,
    Dtype,
    /// The function that makes bytes of text, as Python 3 writes bytes in this protocol.
    Encode,
}

impl Name {
    /// The name in a module; none if it may not be used.
    pub(super) fn of(module: &[u8], name: &[u8]) -> Option<Self> {
        match (module, name) {
            (b"numpy.core.multiarray" | b"numpy._core.multiarray", b"_reconstruct") => {
                Some(Self::Reconstruct)
            }
            (b"numpy.core.numeric" | b"numpy._core.numeric", b"_frombuffer") => Some(Self::FromBuffer),
            (b"numpy", b"ndarray") => Some(Self::Ndarray),
            (b"numpy", b"dtype") => Some(Self::Dtype),
            (b"_codecs", b"encode") => Some(Self::Encode),
            _ => None,
        }
    }
}
