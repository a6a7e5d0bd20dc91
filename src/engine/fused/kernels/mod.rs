//! The f32 kernels, written once over [`Vector`](super::isa::vector::Vector), and the macro that compiles kernels for
//! an instruction set.

pub(crate) mod backward;
mod exp;
pub(crate) mod forward;
mod ln;
pub(crate) mod objective;
pub(crate) mod peak;
pub(crate) mod update;

/// Compiles a kernel for an instruction set: whatever the kernel calls is inlined into a function that may use its
/// instructions.
macro_rules! compile {
    ($isa:ident, $($features:literal)?, $kernel:expr,
        fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?) => {
        fn $name(&self, $($argument: $type),*) $(-> $result)? {
            $(#[target_feature(enable = $features)])?
            fn compiled(isa: $isa, $($argument: $type),*) $(-> $result)? {
                ($kernel)(isa, $($argument),*)
            }
            compile!(@call $($features)?, compiled(*self, $($argument),*))
        }
    };
    (@call , $call:expr) => { $call };
    (@call $features:literal, $call:expr) => {
        // SAFETY: `self` exists only where the machine has the instructions.
        unsafe { $call }
    };
}
pub(crate) use compile;
