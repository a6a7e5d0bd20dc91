//! The stack machine of pickle's protocols 2 to 5, as far as files like CIFAR's need it.
//!
//! A pickle is a program that builds one value. Here it can build data only. The few names that it may use (an array,
//! its type, bytes written as text) are looked up in a list and never imported; a call of one only records the
//! arguments. Values are kept in one table and refer to each other by index, so that nothing is copied; strings and
//! arrays stay in the file. Memory is bounded by a limit on the number of operations.

mod stack;

use std::collections::HashMap;
use std::ops::Range;

use super::value::{Id, Name, Value};

/// The most operations of a pickle. CIFAR-100's training file has 300,000. Each takes about 100 bytes of memory.
const OPERATIONS: usize = 1 << 22;
/// The most characters of a name that an error quotes.
const QUOTED: usize = 60;

/// Why a pickle cannot be read, and at which byte.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) found: String,
    pub(super) at: usize,
}

/// All values that a pickle built, and which of them is its result.
#[derive(Debug)]
pub(super) struct Values {
    table: Vec<Value>,
    root: Id,
}

impl Values {
    /// Runs the pickle `bytes`.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let mut machine = Machine {
            bytes,
            at: 0,
            table: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
        };
        for _ in 0..OPERATIONS {
            let start = machine.at;
            let done = machine.step().map_err(|found| Refusal { found, at: start })?;
            if let Some(root) = done {
                let rest = bytes.len() - machine.at;
                return match rest {
                    0 => Ok(Self { table: machine.table, root }),
                    _ => Err(Refusal { found: format!("{rest} bytes after its end"), at: machine.at }),
                };
            }
        }
        Err(Refusal { found: format!("more than {OPERATIONS} operations"), at: machine.at })
    }

    /// The result of the pickle.
    pub(super) fn root(&self) -> &Value {
        self.get(self.root)
    }

    /// The value at an index.
    pub(super) fn get(&self, id: Id) -> &Value {
        &self.table[id as usize]
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    /// The offset of the next byte.
    at: usize,
    table: Vec<Value>,
    stack: Vec<Id>,
    /// The height of the stack at each mark.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

/// The outcome of an operation, or what was found instead of what it needs.
type Step<T> = Result<T, String>;

impl Machine<'_> {
    /// Performs one operation. Returns the result of the pickle if it was the last one.
    fn step(&mut self) -> Step<Option<Id>> {
        match self.byte()? {
            0x80 => match self.byte()? {
                2..=5 => {}
                other => return Err(format!("protocol {other}, not 2 to 5")),
            },
            b'(' => self.marks.push(self.stack.len()),
            b'q' => self.remember(1)?,
            b'r' => self.remember(4)?,
            0x94 => self.memo_top(self.memo.len() as u32)?,
            // A frame, of so many bytes: for who reads piece by piece.
            0x95 => drop(self.number(8)?),
            b'h' => self.recall(1)?,
            b'j' => self.recall(4)?,
            b'a' => self.pop_many(1).and_then(|item| self.extend(item))?,
            b'e' => self.since_mark().and_then(|items| self.extend(items))?,
            b's' => self.pop_many(2).and_then(|pair| self.insert(&pair))?,
            b'u' => self.since_mark().and_then(|pairs| self.insert(&pairs))?,
            b'R' => self.reduce()?,
            b'b' => self.build()?,
            b'.' => return self.pop().map(Some),
            opcode => {
                let value = self.value(opcode)?;
                self.push(value);
            }
        }
        Ok(None)
    }

    /// The value that an operation pushes on the stack.
    fn value(&mut self, opcode: u8) -> Step<Value> {
        Ok(match opcode {
            b'N' => Value::None,
            0x88 => Value::Bool(true),
            0x89 => Value::Bool(false),
            b'K' => Value::Int(self.number(1)? as i32),
            b'M' => Value::Int(self.number(2)? as i32),
            b'J' => Value::Int(self.number(4)? as i32),
            b'U' | b'C' => Value::Bytes(self.string(1)?),
            b'T' | b'B' => Value::Bytes(self.string(4)?),
            0x8e | 0x96 => Value::Bytes(self.string(8)?),
            0x8c => Value::Text(self.string(1)?),
            b'X' => Value::Text(self.string(4)?),
            0x8d => Value::Text(self.string(8)?),
            b')' => Value::Tuple(Vec::new()),
            0x85 => Value::Tuple(self.pop_many(1)?),
            0x86 => Value::Tuple(self.pop_many(2)?),
            0x87 => Value::Tuple(self.pop_many(3)?),
            b't' => Value::Tuple(self.since_mark()?),
            b']' => Value::List(Vec::new()),
            b'}' => Value::Dict(Vec::new()),
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                Value::Name(self.name(module, name)?)
            }
            0x93 => {
                let (name, module) = (self.pop_text()?, self.pop_text()?);
                Value::Name(self.name(module, name)?)
            }
            _ => return Err(format!("the unsupported opcode {opcode:#04x}")),
        })
    }

    /// Stores the value on top of the stack in the memo. Its key is a number of `bytes` bytes.
    fn remember(&mut self, bytes: usize) -> Step<()> {
        let key = self.number(bytes)? as u32;
        self.memo_top(key)
    }

    fn memo_top(&mut self, key: u32) -> Step<()> {
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    /// Pushes a value of the memo on the stack. Its key is a number of `bytes` bytes.
    fn recall(&mut self, bytes: usize) -> Step<()> {
        let key = self.number(bytes)? as u32;
        let id = *self.memo.get(&key).ok_or_else(|| format!("the memo key {key}, which was not set"))?;
        self.stack.push(id);
        Ok(())
    }

    /// Appends to the list on top of the stack.
    fn extend(&mut self, mut items: Vec<Id>) -> Step<()> {
        match self.top_value()? {
            Value::List(list) => list.append(&mut items),
            _ => return Err("items for something other than a list".into()),
        }
        Ok(())
    }

    /// Adds pairs of key and value to the dictionary on top of the stack.
    fn insert(&mut self, pairs: &[Id]) -> Step<()> {
        let (pairs, []) = pairs.as_chunks::<2>() else { return Err("a key without a value".into()) };
        match self.top_value()? {
            Value::Dict(dict) => dict.extend(pairs.iter().map(|&[key, value]| (key, value))),
            _ => return Err("items for something other than a dictionary".into()),
        }
        Ok(())
    }

    /// Records a call: its name and its arguments are on the stack. Nothing is called.
    fn reduce(&mut self) -> Step<()> {
        let (arguments, callee) = (self.pop()?, self.pop()?);
        let value = |id: Id| &self.table[id as usize];
        let Value::Tuple(arguments) = value(arguments) else { return Err("a call without arguments".into()) };
        let made = match (value(callee), &arguments[..]) {
            (Value::Name(Name::Reconstruct), [_, _, _]) => Value::Array(None),
            (Value::Name(Name::FromBuffer), &[bytes, dtype, shape, order]) => {
                let fortran = match value(order) {
                    Value::Text(range) => &self.bytes[range.clone()] == b"F",
                    _ => return Err("an array in an order that is not text".into()),
                };
                // As the state that arrays of other protocols have.
                let state = self.table.len() as Id;
                self.table.push(Value::Bool(fortran));
                self.table.push(Value::Tuple(vec![state, shape, dtype, state, bytes]));
                Value::Array(Some(state + 1))
            }
            (Value::Name(Name::Dtype), [code, ..]) => Value::Dtype(*code),
            (Value::Name(Name::Encode), [text, _]) => match value(*text) {
                Value::Text(range) => Value::Latin1(range.clone()),
                _ => return Err("bytes that are not written as text".into()),
            },
            _ => return Err("a call of something other than an array, its type or its bytes".into()),
        };
        self.push(made);
        Ok(())
    }

    /// Records the state of the array on the stack. The state of a type adds nothing to its code.
    fn build(&mut self) -> Step<()> {
        let given = self.pop()?;
        match self.top_value()? {
            Value::Array(state) => *state = Some(given),
            Value::Dtype(_) => {}
            _ => return Err("a state for something other than an array or its type".into()),
        }
        Ok(())
    }

    /// A name in a module, both given by their places in the file.
    fn name(&self, module: Range<usize>, name: Range<usize>) -> Step<Name> {
        let (module, name) = (&self.bytes[module], &self.bytes[name]);
        Name::of(module, name).ok_or_else(|| {
            let text = [module, b".", name].concat();
            let text: String = String::from_utf8_lossy(&text).chars().take(QUOTED).collect();
            format!("the name {text:?}, which is not allowed (nothing in a pickle is ever executed)")
        })
    }

    /// The text on top of the stack.
    fn pop_text(&mut self) -> Step<Range<usize>> {
        let top = self.pop()?;
        match &self.table[top as usize] {
            Value::Text(range) => Ok(range.clone()),
            _ => Err("a name that is not text".into()),
        }
    }

    /// The bytes up to the end of the line.
    fn line(&mut self) -> Step<Range<usize>> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().take(QUOTED).position(|&byte| byte == b'\n');
        let line = self.at..self.at + length.ok_or("a name that does not end")?;
        self.at = line.end + 1;
        Ok(line)
    }

    /// A string after its length, which is a number of `bytes` bytes.
    fn string(&mut self, bytes: usize) -> Step<Range<usize>> {
        let length = self.number(bytes)? as usize;
        let left = self.bytes.len() - self.at;
        if length > left {
            return Err(format!("a string of {length} bytes, of which only {left} are there"));
        }
        self.at += length;
        Ok(self.at - length..self.at)
    }

    /// A little-endian number of `bytes` bytes.
    fn number(&mut self, bytes: usize) -> Step<u64> {
        (0..bytes).try_fold(0, |number, place| Ok(number | u64::from(self.byte()?) << (8 * place)))
    }

    fn byte(&mut self) -> Step<u8> {
        let byte = *self.bytes.get(self.at).ok_or("the end of the file within the pickle")?;
        self.at += 1;
        Ok(byte)
    }
}
