//! Mutates a valid input. Pure: a mutation is data, chosen by the code that runs a target.

/// One change. Positions and lengths are fractions of the input's length, relative to the range of
/// their type, so a mutation fits every input.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Mutation {
    /// Flips a bit.
    Flip { at: u32, bit: u8 },
    /// Replaces a byte.
    Set { at: u32, byte: u8 },
    /// Removes a piece.
    Cut { at: u32, length: u16 },
    /// Repeats a piece many times.
    Repeat { at: u32, length: u16, times: u8 },
    /// Replaces the rest with another valid input, from its position `from` on.
    Splice { at: u32, other: u32, from: u32 },
    /// Writes a huge number, as a varint or in the format of a head.
    Huge { at: u32, which: u8 },
    /// Inserts these bytes.
    Insert { at: u32, bytes: Vec<u8> },
    /// Cuts the input.
    End { at: u32 },
}

/// Longest input.
const LONGEST: usize = 64 << 10;

/// Applies a mutation to `input`; `others` are the valid inputs.
pub fn mutate(input: &mut Vec<u8>, mutation: &Mutation, others: &[Vec<u8>]) {
    match mutation {
        Mutation::Flip { at, bit } => {
            let at = place(*at, input.len());
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << (bit % 8);
            }
        }
        Mutation::Set { at, byte } => {
            let at = place(*at, input.len());
            if let Some(there) = input.get_mut(at) {
                *there = *byte;
            }
        }
        Mutation::Cut { at, length } => {
            let at = place(*at, input.len());
            drop(input.drain(at..at + piece(*length, input.len() - at)));
        }
        Mutation::Repeat { at, length, times } => {
            let at = place(*at, input.len());
            let length = piece(*length, input.len() - at);
            let piece = input[at..at + length].repeat(usize::from(*times));
            drop(input.splice(at..at, piece));
        }
        Mutation::Splice { at, other, from } => {
            if let Some(other) = others.get(place(*other, others.len())) {
                input.truncate(place(*at, input.len()));
                input.extend_from_slice(&other[place(*from, other.len())..]);
            }
        }
        Mutation::Huge { at, which } => {
            let at = place(*at, input.len());
            match which % 4 {
                0 => insert(input, at, &[255, 255, 255, 255, 255, 255, 255, 255, 255, 1]),
                1 => insert(input, at, &[255, 255, 255, 255, 15]),
                2 => input.iter_mut().skip(at).take(4).for_each(|byte| *byte = 255),
                _ => input.iter_mut().skip(at).take(8).for_each(|byte| *byte = 255),
            }
        }
        Mutation::Insert { at, bytes } => insert(input, place(*at, input.len()), bytes),
        Mutation::End { at } => input.truncate(place(*at, input.len())),
    }
    input.truncate(LONGEST);
}

/// Returns a position in data of this length: before its end, unless it is empty.
fn place(share: u32, length: usize) -> usize {
    ((u64::from(share) * length as u64) >> 32) as usize
}

/// Returns a length of at least one byte, and at most the available length.
fn piece(share: u16, length: usize) -> usize {
    (((usize::from(share) * length) >> 16) + 1).min(length)
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    drop(input.splice(at..at, bytes.iter().copied()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutation_fits_every_input() {
        let others = [vec![10, 11, 12], Vec::new()];
        let check = |mutation: Mutation, before: &[u8], after: &[u8]| {
            let mut input = before.to_vec();
            mutate(&mut input, &mutation, &others);
            assert_eq!(input, after, "{mutation:?}");
        };
        const HALF: u32 = 1 << 31;
        check(Mutation::Flip { at: u32::MAX, bit: 1 }, &[1, 2], &[1, 0]);
        check(Mutation::Set { at: 0, byte: 9 }, &[1, 2], &[9, 2]);
        check(Mutation::Cut { at: HALF, length: 0 }, &[1, 2, 3, 4], &[1, 2, 4]);
        check(Mutation::Cut { at: HALF, length: u16::MAX }, &[1, 2, 3, 4], &[1, 2]);
        check(Mutation::Repeat { at: 0, length: 0, times: 2 }, &[1, 2], &[1, 1, 1, 2]);
        check(Mutation::Splice { at: HALF, other: 0, from: HALF }, &[1, 2], &[1, 11, 12]);
        check(Mutation::Huge { at: HALF, which: 2 }, &[1, 2], &[1, 255]);
        check(Mutation::Huge { at: 0, which: 1 }, &[1], &[255, 255, 255, 255, 15, 1]);
        check(Mutation::Insert { at: 0, bytes: vec![7] }, &[1], &[7, 1]);
        check(Mutation::End { at: HALF }, &[1, 2], &[1]);
        for mutation in [
            Mutation::Flip { at: 7, bit: 200 },
            Mutation::Set { at: 7, byte: 0 },
            Mutation::Cut { at: 7, length: 7 },
            Mutation::Repeat { at: 7, length: 7, times: 7 },
            Mutation::Huge { at: 7, which: 3 },
            Mutation::End { at: 7 },
        ] {
            check(mutation, &[], &[]);
        }
    }
}
