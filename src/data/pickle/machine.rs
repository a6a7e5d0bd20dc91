//! The stack machine of pickle, protocol 2, as far as CIFAR's files need it.
//!
//! A pickle is a program that builds one value. Here it builds data only: the few names that it may speak of
//! (an array, its type, bytes written as text) are looked up in a list, never imported, and calling them just
//! notes their arguments. Values live in one table and refer to each other by number, so that nothing is ever
//! copied; strings and arrays stay in the file. Memory is bounded by the number of operations, which has a
//! limit.

use std::collections::HashMap;
use std::ops::Range;

use super::value::{Id, Name, Value};

/// Operations that a pickle may have: CIFAR-100's training file has 300,000. Each takes some 100 bytes of
/// memory.
const OPERATIONS: usize = 1 << 22;
/// How much of a name an error repeats.
const QUOTED: usize = 60;

/// Why a pickle is not read, and at which byte.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) found: String,
    pub(super) at: usize,
}

/// The values of a pickle, the last operation of which named one of them.
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
                    _ => Err(Refusal { found: format!("{rest} bytes behind its end"), at: machine.at }),
                };
            }
        }
        Err(Refusal { found: format!("more than {OPERATIONS} operations"), at: machine.at })
    }

    /// The value that was built.
    pub(super) fn root(&self) -> &Value {
        self.get(self.root)
    }

    /// A value by its number.
    pub(super) fn get(&self, id: Id) -> &Value {
        &self.table[id as usize]
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    /// The next byte.
    at: usize,
    table: Vec<Value>,
    stack: Vec<Id>,
    /// How high the stack was at each mark.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

/// What an operation does, or what was found instead of what it needs.
type Step<T> = Result<T, String>;

impl Machine<'_> {
    /// One operation; the value built, if it was the last.
    fn step(&mut self) -> Step<Option<Id>> {
        match self.byte()? {
            0x80 => self.protocol()?,
            b'(' => self.marks.push(self.stack.len()),
            b'q' => self.remember(1)?,
            b'r' => self.remember(4)?,
            b'h' => self.recall(1)?,
            b'j' => self.recall(4)?,
            b'a' => {
                let item = self.pop()?;
                self.extend(vec![item])?;
            }
            b'e' => {
                let items = self.since_mark()?;
                self.extend(items)?;
            }
            b's' => {
                let pair = self.pop_many(2)?;
                self.insert(&pair)?;
            }
            b'u' => {
                let pairs = self.since_mark()?;
                self.insert(&pairs)?;
            }
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

    /// The value that an operation puts on the stack.
    fn value(&mut self, opcode: u8) -> Step<Value> {
        Ok(match opcode {
            b'N' => Value::None,
            0x88 => Value::Bool(true),
            0x89 => Value::Bool(false),
            b'K' => Value::Int(self.number(1)? as i32),
            b'M' => Value::Int(self.number(2)? as i32),
            b'J' => Value::Int(self.number(4)? as i32),
            b'U' => Value::Bytes(self.string(1)?),
            b'T' => Value::Bytes(self.string(4)?),
            b'X' => Value::Text(self.string(4)?),
            b')' => Value::Tuple(Vec::new()),
            0x85 => Value::Tuple(self.pop_many(1)?),
            0x86 => Value::Tuple(self.pop_many(2)?),
            0x87 => Value::Tuple(self.pop_many(3)?),
            b't' => Value::Tuple(self.since_mark()?),
            b']' => Value::List(Vec::new()),
            b'}' => Value::Dict(Vec::new()),
            b'c' => Value::Name(self.name()?),
            _ => return Err(format!("the opcode {opcode:#04x}, which they do not have")),
        })
    }

    fn protocol(&mut self) -> Step<()> {
        match self.byte()? {
            2 => Ok(()),
            other => Err(format!("protocol {other}, not the 2 that pickle.dump(..., protocol=2) writes")),
        }
    }

    /// Notes the value on top of the stack under a number of so many bytes.
    fn remember(&mut self, bytes: usize) -> Step<()> {
        let key = self.number(bytes)?;
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    /// Puts the value noted under a number of so many bytes on the stack.
    fn recall(&mut self, bytes: usize) -> Step<()> {
        let key = self.number(bytes)?;
        let id = *self.memo.get(&key).ok_or_else(|| format!("memo {key}, which holds nothing"))?;
        self.stack.push(id);
        Ok(())
    }

    /// Appends to the list on top of the stack.
    fn extend(&mut self, mut items: Vec<Id>) -> Step<()> {
        match self.top_value()? {
            Value::List(list) => list.append(&mut items),
            _ => return Err("items for something that is no list".into()),
        }
        Ok(())
    }

    /// Adds keys, each followed by its value, to the dictionary on top of the stack.
    fn insert(&mut self, pairs: &[Id]) -> Step<()> {
        let (pairs, []) = pairs.as_chunks::<2>() else { return Err("a key without a value".into()) };
        match self.top_value()? {
            Value::Dict(dict) => dict.extend(pairs.iter().map(|&[key, value]| (key, value))),
            _ => return Err("items for something that is no dictionary".into()),
        }
        Ok(())
    }

    /// Notes what a name on the stack is called with. Nothing is called.
    fn reduce(&mut self) -> Step<()> {
        let (arguments, callee) = (self.pop()?, self.pop()?);
        let value = |id: Id| &self.table[id as usize];
        let Value::Tuple(arguments) = value(arguments) else { return Err("a call without arguments".into()) };
        let made = match (value(callee), &arguments[..]) {
            (Value::Name(Name::Reconstruct), [_, _, _]) => Value::Array(None),
            (Value::Name(Name::Dtype), [code, ..]) => Value::Dtype(*code),
            (Value::Name(Name::Encode), [text, _]) => match value(*text) {
                Value::Text(range) => Value::Latin1(range.clone()),
                _ => return Err("bytes that are not written as text".into()),
            },
            _ => return Err("a call of something else than an array, its type or its bytes".into()),
        };
        self.push(made);
        Ok(())
    }

    /// Gives the array on the stack its state. That of a type says nothing that its code does not.
    fn build(&mut self) -> Step<()> {
        let given = self.pop()?;
        match self.top_value()? {
            Value::Array(state) => *state = Some(given),
            Value::Dtype(_) => {}
            _ => return Err("a state for something that has none".into()),
        }
        Ok(())
    }

    /// A name, in two lines.
    fn name(&mut self) -> Step<Name> {
        let (module, name) = (self.line()?, self.line()?);
        let (module, name) = (&self.bytes[module], &self.bytes[name]);
        Name::of(module, name).ok_or_else(|| {
            let text = [module, b".", name].concat();
            let text: String = String::from_utf8_lossy(&text).chars().take(QUOTED).collect();
            format!("the name {text:?}, which they do not have (nothing in a pickle is ever run)")
        })
    }

    /// The bytes up to the next end of a line.
    fn line(&mut self) -> Step<Range<usize>> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().take(QUOTED).position(|&byte| byte == b'\n');
        let line = self.at..self.at + length.ok_or("a name that does not end")?;
        self.at = line.end + 1;
        Ok(line)
    }

    /// A string behind its length, a number of so many bytes.
    fn string(&mut self, bytes: usize) -> Step<Range<usize>> {
        let length = self.number(bytes)? as usize;
        let left = self.bytes.len() - self.at;
        if length > left {
            return Err(format!("a string of {length} bytes where {left} are left"));
        }
        self.at += length;
        Ok(self.at - length..self.at)
    }

    /// A number of so many bytes, the lowest first.
    fn number(&mut self, bytes: usize) -> Step<u32> {
        (0..bytes).try_fold(0, |number, place| Ok(number | u32::from(self.byte()?) << (8 * place)))
    }

    fn byte(&mut self) -> Step<u8> {
        let byte = *self.bytes.get(self.at).ok_or("its end before it is whole")?;
        self.at += 1;
        Ok(byte)
    }

    fn push(&mut self, value: Value) {
        self.stack.push(self.table.len() as Id);
        self.table.push(value);
    }

    /// The number of the value on top of the stack, above the last mark.
    fn top(&self) -> Step<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        self.stack[floor..].last().copied().ok_or_else(|| "an empty stack".into())
    }

    fn top_value(&mut self) -> Step<&mut Value> {
        let top = self.top()?;
        Ok(&mut self.table[top as usize])
    }

    fn pop(&mut self) -> Step<Id> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    /// The last `count` values.
    fn pop_many(&mut self, count: usize) -> Step<Vec<Id>> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.len().checked_sub(count) {
            Some(start) if start >= floor => Ok(self.stack.split_off(start)),
            _ => Err("an empty stack".into()),
        }
    }

    /// The values above the last mark, which is taken away.
    fn since_mark(&mut self) -> Step<Vec<Id>> {
        let mark = self.marks.pop().ok_or("no mark")?;
        Ok(self.stack.split_off(mark))
    }
}
