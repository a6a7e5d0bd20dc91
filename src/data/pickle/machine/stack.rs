//! The stack of the machine, with its marks.

use super::{Machine, Step};
use crate::data::pickle::value::{Id, Value};

impl Machine<'_> {
    pub(super) fn push(&mut self, value: Value) {
        self.stack.push(self.table.len() as Id);
        self.table.push(value);
    }

    /// The index of the value on top of the stack, above the last mark.
    pub(super) fn top(&self) -> Step<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        self.stack[floor..].last().copied().ok_or_else(|| "an empty stack".into())
    }

    pub(super) fn top_value(&mut self) -> Step<&mut Value> {
        let top = self.top()?;
        Ok(&mut self.table[top as usize])
    }

    pub(super) fn pop(&mut self) -> Step<Id> {
        Ok(self.pop_many(1)?[0])
    }

    /// The last `count` values.
    pub(super) fn pop_many(&mut self, count: usize) -> Step<Vec<Id>> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.len().checked_sub(count) {
            Some(start) if start >= floor => Ok(self.stack.split_off(start)),
            _ => Err("an empty stack".into()),
        }
    }

    /// Removes the last mark and the values above it, and returns these.
    pub(super) fn since_mark(&mut self) -> Step<Vec<Id>> {
        let mark = self.marks.pop().ok_or("no mark")?;
        Ok(self.stack.split_off(mark))
    }
}
