//! As much of DER and PEM as it takes to see whether a private key belongs to a certificate. Nothing is verified here:
//! Envoy does that, and refuses what it does not like.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT: u8 = 0x06;
/// The tag of an optional first or second field.
const FIRST: u8 = 0xa0;
const SECOND: u8 = 0xa1;

/// 1.2.840.113549.1.1.1
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 1.2.840.10045.2.1
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// The public half of a key.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Public {
    /// The modulus of an RSA key.
    Rsa(Vec<u8>),
    /// The point of a key on an elliptic curve; `None` where a private key does not state it.
    Ec(Option<Vec<u8>>),
    /// A key of another sort.
    Other,
}

impl Public {
    /// Whether both may be halves of one key: false only where they cannot.
    pub(super) fn fits(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Rsa(a), Self::Rsa(b)) => a == b,
            (Self::Ec(Some(a)), Self::Ec(Some(b))) => a == b,
            (Self::Ec(_), Self::Ec(_)) | (Self::Other, Self::Other) => true,
            _ => false,
        }
    }
}

/// One block of a PEM text.
pub(super) struct Block {
    /// What it is: `CERTIFICATE`, `PRIVATE KEY`, …
    pub(super) label: String,
    /// Its content, in DER.
    pub(super) content: Vec<u8>,
}

/// The blocks of a PEM text; what is between them says nothing. `None` where a block is not whole.
pub(super) fn blocks(text: &[u8]) -> Option<Vec<Block>> {
    let text = std::str::from_utf8(text).ok()?;
    let mut rest = text;
    let mut found = Vec::new();
    while let Some((_, after)) = rest.split_once("-----BEGIN ") {
        let (label, after) = after.split_once("-----")?;
        let (body, after) = after.split_once(&format!("-----END {label}-----"))?;
        let body: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        found.push(Block { label: label.to_owned(), content: STANDARD.decode(body).ok()? });
        rest = after;
    }
    Some(found)
}

/// The key in a certificate. `None` where it is not one.
pub(super) fn of_certificate(content: &[u8]) -> Option<Public> {
    let (certificate, _) = expect(content, SEQUENCE)?;
    let (mut fields, _) = expect(certificate, SEQUENCE)?;
    if let Some((_, rest)) = expect(fields, FIRST) {
        fields = rest;
    }
    // Serial number, signature, issuer, validity, subject.
    for tag in [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE] {
        fields = expect(fields, tag)?.1;
    }
    let (key, _) = expect(fields, SEQUENCE)?;
    let (algorithm, rest) = expect(key, SEQUENCE)?;
    let (object, _) = expect(algorithm, OBJECT)?;
    let bits = bit_string(rest)?;
    match object {
        RSA => Some(Public::Rsa(first_integer(expect(bits, SEQUENCE)?.0)?)),
        EC => Some(Public::Ec(Some(bits.to_vec()))),
        _ => Some(Public::Other),
    }
}

/// The public half of a private key. `None` where it is not one.
pub(super) fn of_private_key(block: &Block) -> Option<Public> {
    let (fields, _) = expect(&block.content, SEQUENCE)?;
    let (_, fields) = expect(fields, INTEGER)?;
    match block.label.as_str() {
        "RSA PRIVATE KEY" => Some(Public::Rsa(first_integer(fields)?)),
        "EC PRIVATE KEY" => Some(point(fields)),
        "PRIVATE KEY" => {
            let (algorithm, rest) = expect(fields, SEQUENCE)?;
            let (object, _) = expect(algorithm, OBJECT)?;
            let (inner, _) = expect(rest, OCTET_STRING)?;
            let of_inner = || Some(expect(expect(inner, SEQUENCE)?.0, INTEGER)?.1);
            match object {
                RSA => Some(Public::Rsa(first_integer(of_inner()?)?)),
                EC => Some(point(of_inner()?)),
                _ => Some(Public::Other),
            }
        }
        _ => None,
    }
}

/// The point that an EC key states after its private half and its curve.
fn point(fields: &[u8]) -> Public {
    let stated = || {
        let (_, mut rest) = expect(fields, OCTET_STRING)?;
        if let Some((_, after)) = expect(rest, FIRST) {
            rest = after;
        }
        Some(bit_string(expect(rest, SECOND)?.0)?.to_vec())
    };
    Public::Ec(stated())
}

fn first_integer(fields: &[u8]) -> Option<Vec<u8>> {
    let (number, _) = expect(fields, INTEGER)?;
    let zeros = number.iter().take_while(|b| **b == 0).count();
    Some(number[zeros..].to_vec())
}

fn bit_string(bytes: &[u8]) -> Option<&[u8]> {
    let (bits, _) = expect(bytes, BIT_STRING)?;
    bits.split_first().map(|(_, bits)| bits)
}

/// The content of an element with this tag, and what follows it.
fn expect(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    if *found != tag {
        return None;
    }
    let (short, rest) = rest.split_first()?;
    let (len, rest) = match short {
        0..=0x7f => (usize::from(*short), rest),
        0x81..=0x84 => {
            let (long, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
            (long.iter().fold(0, |len, b| (len << 8) | usize::from(*b)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(len)
}
