//! git's binary patches: `literal` (the whole file) and `delta` (copy and insert instructions), zlib, base 85.
//!
//! diffy decodes them too, but believes the sender: it inflates without an end where a stream is longer than announced and
//! never returns where one is cut off. A patch is untrusted input, so what is decoded here has its announced size or is an
//! error, and a patch file has one budget for all that it inflates to.

use zlib_rs::{Inflate, InflateFlush, Status};

/// What all binary parts of one patch file, in both directions, may inflate to: twice the limit for one direction.
pub(crate) const BUDGET: u64 = 2 * 64 * 1024 * 1024;

/// Why a binary part is unusable. Completes "the binary part is broken: ...".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BinaryError {
    /// Neither `literal N` nor `delta N`.
    #[error("`literal SIZE` or `delta SIZE` is expected here")]
    Header,
    /// A line is not git's base 85.
    #[error("a line of its data is not base 85")]
    Base85,
    /// Not a zlib stream, or one that was cut off.
    #[error("its data does not inflate")]
    Zlib,
    /// The stream does not have the announced size.
    #[error("its data does not have the announced size")]
    Size,
    /// Too much for one patch file.
    #[error("the binary parts of the patch are too large: more than 64 MiB")]
    TooLarge,
    /// The delta's instructions make no sense.
    #[error("its delta is malformed")]
    Delta,
    /// The delta was made from a file of another size.
    #[error("its delta was made from a file of another size")]
    DeltaBase,
}

/// One inflated binary part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// The file as it will be.
    Literal(Vec<u8>),
    /// Instructions that make the new file from the old one; `result` is the new size.
    Delta {
        /// git's pack delta encoding, with its two sizes in front.
        code: Vec<u8>,
        /// The announced size of the result.
        result: u64,
    },
}

impl Block {
    /// Reads a part from its header line and its data lines (without newlines). `budget` shrinks by what it will become.
    pub(crate) fn read(header: &[u8], data: &[&[u8]], budget: &mut u64) -> Result<Self, BinaryError> {
        let header = std::str::from_utf8(header).map_err(|_| BinaryError::Header)?;
        let (kind, size) = header.split_once(' ').ok_or(BinaryError::Header)?;
        let size: u64 = size.parse().map_err(|_| BinaryError::Header)?;
        spend(budget, size)?;
        let mut packed = Vec::with_capacity(data.len() * 52);
        for line in data {
            decode_line(line, &mut packed)?;
        }
        let bytes = inflate(&packed, size)?;
        match kind {
            "literal" => Ok(Self::Literal(bytes)),
            "delta" => {
                let mut code = bytes.as_slice();
                read_size(&mut code)?;
                let result = read_size(&mut code)?;
                spend(budget, result)?;
                Ok(Self::Delta { code: bytes, result })
            }
            _ => Err(BinaryError::Header),
        }
    }

    /// The new content, given the old one.
    pub(crate) fn apply(&self, old: &[u8]) -> Result<Vec<u8>, BinaryError> {
        match self {
            Self::Literal(bytes) => Ok(bytes.clone()),
            Self::Delta { code, result } => apply_delta(old, code, *result),
        }
    }
}

fn spend(budget: &mut u64, size: u64) -> Result<(), BinaryError> {
    *budget = budget.checked_sub(size).ok_or(BinaryError::TooLarge)?;
    Ok(())
}

/// git's alphabet (base85.c).
const ALPHABET: &[u8; 85] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

/// One line: a letter for the number of bytes (A-Z 1 to 26, a-z 27 to 52), then five digits for each four bytes.
fn decode_line(line: &[u8], out: &mut Vec<u8>) -> Result<(), BinaryError> {
    let (&first, digits) = line.split_first().ok_or(BinaryError::Base85)?;
    let len = match first {
        b'A'..=b'Z' => usize::from(first - b'A') + 1,
        b'a'..=b'z' => usize::from(first - b'a') + 27,
        _ => return Err(BinaryError::Base85),
    };
    if digits.len() != len.div_ceil(4) * 5 {
        return Err(BinaryError::Base85);
    }
    let end = out.len() + len;
    for group in digits.chunks_exact(5) {
        let mut value: u64 = 0;
        for digit in group {
            let index = ALPHABET.iter().position(|a| a == digit).ok_or(BinaryError::Base85)?;
            value = value * 85 + index as u64;
        }
        let value = u32::try_from(value).map_err(|_| BinaryError::Base85)?;
        out.extend_from_slice(&value.to_be_bytes());
    }
    out.truncate(end);
    Ok(())
}

fn inflate(packed: &[u8], size: u64) -> Result<Vec<u8>, BinaryError> {
    let size = usize::try_from(size).map_err(|_| BinaryError::TooLarge)?;
    // One byte more than announced shows a stream that does not end where it should. A header is not believed before the
    // data is there: deflate cannot expand more than about a thousandfold.
    if size / 1100 > packed.len() {
        return Err(BinaryError::Size);
    }
    let mut out = vec![0; size + 1];
    let mut stream = Inflate::new(true, 15);
    match stream.decompress(packed, &mut out, InflateFlush::Finish) {
        Ok(Status::StreamEnd) => {}
        Ok(_) if stream.total_out() as usize > size => return Err(BinaryError::Size),
        Ok(_) | Err(_) => return Err(BinaryError::Zlib),
    }
    if stream.total_out() as usize != size {
        return Err(BinaryError::Size);
    }
    out.truncate(size);
    Ok(out)
}

fn next(code: &mut &[u8]) -> Result<u8, BinaryError> {
    let (&byte, rest) = code.split_first().ok_or(BinaryError::Delta)?;
    *code = rest;
    Ok(byte)
}

fn read_size(code: &mut &[u8]) -> Result<u64, BinaryError> {
    let mut size = 0;
    for shift in (0..63).step_by(7) {
        let byte = next(code)?;
        size |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(size);
        }
    }
    Err(BinaryError::Delta)
}

/// See gitformat-pack(5), "Deltified representation". Never writes more than `result` bytes.
fn apply_delta(old: &[u8], mut code: &[u8], result: u64) -> Result<Vec<u8>, BinaryError> {
    if read_size(&mut code)? != old.len() as u64 {
        return Err(BinaryError::DeltaBase);
    }
    read_size(&mut code)?;
    let mut out = Vec::new();
    while !code.is_empty() {
        let op = next(&mut code)?;
        let part = if op & 0x80 != 0 {
            let (mut from, mut len) = (0usize, 0usize);
            for bit in 0..4 {
                if op & (1 << bit) != 0 {
                    from |= usize::from(next(&mut code)?) << (8 * bit);
                }
            }
            for bit in 0..3 {
                if op & (0x10 << bit) != 0 {
                    len |= usize::from(next(&mut code)?) << (8 * bit);
                }
            }
            let len = if len == 0 { 0x1_0000 } else { len };
            old.get(from..from.saturating_add(len)).ok_or(BinaryError::Delta)?
        } else {
            let (part, rest) = code.split_at_checked(usize::from(op)).ok_or(BinaryError::Delta)?;
            if part.is_empty() {
                return Err(BinaryError::Delta);
            }
            code = rest;
            part
        };
        if (out.len() + part.len()) as u64 > result {
            return Err(BinaryError::Delta);
        }
        out.extend_from_slice(part);
    }
    if out.len() as u64 == result { Ok(out) } else { Err(BinaryError::Delta) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LITERAL: &[u8] = b"UcmV+l0QLU>0RjUA1qKHQ2>`DEE&u=k";

    #[test]
    fn a_literal_decodes() {
        let block = Block::read(b"literal 10", &[LITERAL], &mut BUDGET.clone()).unwrap();
        assert_eq!(block.apply(b"").unwrap(), b"\0\x01\x02\x03\x04\x05\x06\x07\x08\t");
    }

    #[test]
    fn sizes_are_held_to() {
        assert_eq!(Block::read(b"literal 9", &[LITERAL], &mut BUDGET.clone()), Err(BinaryError::Size));
        assert_eq!(Block::read(b"literal 11", &[LITERAL], &mut BUDGET.clone()), Err(BinaryError::Size));
        assert_eq!(Block::read(b"literal 999999999", &[LITERAL], &mut BUDGET.clone()), Err(BinaryError::TooLarge));
        assert_eq!(Block::read(b"literal 10", &[LITERAL], &mut 9), Err(BinaryError::TooLarge));
    }

    #[test]
    fn a_stream_that_is_cut_off_ends() {
        assert_eq!(Block::read(b"literal 10", &[b"DcmV+l"], &mut BUDGET.clone()), Err(BinaryError::Zlib));
        assert_eq!(Block::read(b"literal 10", &[], &mut BUDGET.clone()), Err(BinaryError::Zlib));
    }

    #[test]
    fn a_delta_stays_inside_its_base_and_its_result() {
        // base 4 bytes, result 6: copy 0..4, insert "ab".
        let code = [4, 6, 0x90, 4, 2, b'a', b'b'];
        assert_eq!(apply_delta(b"wxyz", &code, 6).unwrap(), b"wxyzab");
        assert_eq!(apply_delta(b"wxy", &code, 6), Err(BinaryError::DeltaBase));
        assert_eq!(apply_delta(b"wxyz", &code, 5), Err(BinaryError::Delta));
        assert_eq!(apply_delta(b"wxyz", &[4, 6, 0x91, 3, 4], 6), Err(BinaryError::Delta));
        assert_eq!(apply_delta(b"wxyz", &[4, 6, 0], 6), Err(BinaryError::Delta));
        assert_eq!(apply_delta(b"wxyz", &[4, 6, 9, 1], 6), Err(BinaryError::Delta));
    }
}
