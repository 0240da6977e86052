//! XAES-256-GCM (C2SP `XAES-256-GCM.md`, v1): AES-256-GCM with nonces of 192 bits.
//!
//! Nonces of 96 bits, chosen at random, are safe for 2^32 messages of one key (NIST SP 800-38D §8.3),
//! which a busy cache has in a week. Here each message has a key of its own, made from the first
//! half of the nonce, and the second half is the nonce of AES-256-GCM: 2^80 messages.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::aes::Aes256;
use aes_gcm::aes::cipher::{Array, BlockCipherEncrypt};
use aes_gcm::{Aes256Gcm, KeyInit};
use zeroize::Zeroizing;

pub(crate) const NONCE: usize = 24;
pub(crate) const TAG: usize = 16;

/// A text and what belongs to it without being hidden.
pub(crate) struct Message<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) associated: &'a [u8],
}

/// Encrypts; a nonce must not be used again with the same key. `None` if the text is longer than
/// AES-GCM can be (64 GiB).
pub(crate) fn seal(key: &[u8; 32], nonce: &[u8; NONCE], message: &Message<'_>) -> Option<Vec<u8>> {
    let (cipher, nonce) = derived(key, nonce);
    let payload = Payload {
        msg: message.text,
        aad: message.associated,
    };
    cipher.encrypt(&Array(nonce), payload).ok()
}

/// Decrypts, or `None` if anything was changed.
pub(crate) fn open(key: &[u8; 32], nonce: &[u8; NONCE], message: &Message<'_>) -> Option<Vec<u8>> {
    let (cipher, nonce) = derived(key, nonce);
    let payload = Payload {
        msg: message.text,
        aad: message.associated,
    };
    cipher.decrypt(&Array(nonce), payload).ok()
}

/// The cipher and the nonce of one message: the first counter-mode KDF of SP 800-108r1 with CMAC,
/// of which two blocks are needed.
fn derived(key: &[u8; 32], nonce: &[u8; NONCE]) -> (Aes256Gcm, [u8; 12]) {
    let aes = Aes256::new(&Array(*key));
    let encrypted = |block: [u8; 16]| {
        let mut block = Array(block);
        aes.encrypt_block(&mut block);
        block.0
    };
    let mask = doubled(encrypted([0; 16]));
    let [first, second] = *halves(nonce);
    let mut message_key = Zeroizing::new([0; 32]);
    for (half, counter) in message_key.chunks_exact_mut(16).zip(1..) {
        let mut block = [0, counter, b'X', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        block[4..].copy_from_slice(&first);
        for (byte, mask) in block.iter_mut().zip(mask) {
            *byte ^= mask;
        }
        half.copy_from_slice(&encrypted(block));
    }
    (Aes256Gcm::new(&Array(*message_key)), second)
}

/// Twice a block in the field of CMAC (SP 800-38B §6.1).
fn doubled(block: [u8; 16]) -> [u8; 16] {
    let number = u128::from_be_bytes(block);
    let carry = if number >> 127 == 1 { 0x87 } else { 0 };
    (number << 1 ^ carry).to_be_bytes()
}

fn halves(nonce: &[u8; NONCE]) -> &[[u8; 12]; 2] {
    let (halves, _) = nonce.as_chunks::<12>();
    halves.first_chunk().expect("24 bytes are two times 12")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of the specification; of the second, the key has the other first bit of `doubled`.
    #[test]
    fn it_is_xaes_256_gcm() {
        for (key, associated, expected) in [
            (
                [1; 32],
                "",
                "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271",
            ),
            (
                [3; 32],
                "c2sp.org/XAES-256-GCM",
                "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d",
            ),
        ] {
            let nonce = b"ABCDEFGHIJKLMNOPQRSTUVWX";
            let message = Message {
                text: b"XAES-256-GCM",
                associated: associated.as_bytes(),
            };
            let sealed = seal(&key, nonce, &message).unwrap();
            let shown: String = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(shown, expected);
            let message = Message {
                text: &sealed,
                ..message
            };
            assert_eq!(open(&key, nonce, &message).unwrap(), b"XAES-256-GCM");
        }
    }
}
