//! The matrix product: the one place that calls sgemm.

use matrixmultiply::sgemm;

/// The columns and rows of every buffer are multiples of this. MR and NR of all kernels of sgemm divide it, so that no
/// tile is incomplete: those are packed one number at a time and multiplied into a separate buffer.
pub(super) const TILE: usize = 16;

/// `c [M, N] <- a^T . b + beta c`, with `a` [P, M] and `b` [P, N], all row-major and contiguous.
///
/// In this orientation sgemm packs both operands by copying whole rows of a tile.
///
/// # Panics
/// If a length does not fit `[p, m, n]`.
pub(super) fn transposed_product([p, m, n]: [usize; 3], a: &[f32], b: &[f32], beta: f32, c: &mut [f32]) {
    assert_eq!(
        (a.len(), b.len(), c.len()),
        (p * m, p * n, m * n),
        "a [{p}, {m}], b [{p}, {n}], c [{m}, {n}]"
    );
    let (row_of_a, row) = (m as isize, n as isize);
    // SAFETY: sgemm reads element (i, k) of `a^T` at `a + i + k * m`, element (k, j) of `b` at `b + k * n + j`,
    // and reads and writes element (i, j) of `c` at `c + i * n + j`, for i < m, j < n, k < p: by the lengths
    // just checked all of these lie within the slices. `c` is borrowed mutably, so it overlaps neither, and its
    // elements do not overlap one another.
    unsafe {
        sgemm(m, p, n, 1.0, a.as_ptr(), 1, row_of_a, b.as_ptr(), row, 1, beta, c.as_mut_ptr(), row, 1);
    }
}

/// The instruction set of the kernel that sgemm picks on this machine.
pub(super) fn isa() -> &'static str {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    {
        use std::arch::is_x86_feature_detected as has;
        if has!("avx512f") {
            return "avx512";
        } else if has!("avx2") && has!("fma") {
            return "avx2";
        } else if has!("avx") {
            return "avx";
        }
    }
    if cfg!(target_arch = "aarch64") { "neon" } else { "portable" }
}
