//! A slice that is lent to the members of a team. Between two barriers, each part of it has either one writer or any
//! number of readers.

use std::marker::PhantomData;
use std::ops::Range;

/// A slice that is borrowed mutably for a whole parallel region, and lent to threads in parts.
pub(super) struct Lent<'a, T> {
    start: *mut T,
    len: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: a `Lent` is a slice of `T`, and the callers of `read` and `write` promise that nobody else has what they
// write.
unsafe impl<T: Send + Sync> Sync for Lent<'_, T> {}

impl<'a, T> Lent<'a, T> {
    pub(super) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), slice: PhantomData }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The elements of `range`, to read.
    ///
    /// # Safety
    /// Nobody writes any of them while the result lives.
    #[inline]
    pub(super) unsafe fn read(&self, range: Range<usize>) -> &[T] {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: the range lies within the slice, which is borrowed for as long as `self` lives; the caller
        // promises that nobody writes it.
        unsafe { std::slice::from_raw_parts(self.start.add(range.start), range.len()) }
    }

    /// The elements of `range`, to write.
    ///
    /// # Safety
    /// Nobody else reads or writes any of them while the result lives.
    #[inline]
    #[expect(
        clippy::mut_from_ref,
        reason = "lending parts of a slice to threads is the purpose of this type"
    )]
    pub(super) unsafe fn write(&self, range: Range<usize>) -> &mut [T] {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: as in `read`; the caller promises that nobody else has any of it.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}
