//! The fingerprint of RSA keys that some smart cards and TPMs made so badly that they can be
//! factored (CVE-2017-15361, "ROCA").
//!
//! Source: Nemec, Sys, Svenda, Klinec, Matyas: "The Return of Coppersmith's Attack: Practical
//! Factorization of Widely Used RSA Moduli", ACM CCS 2017, §2. Both primes of such a key are
//! `k·M + (65537^a mod M)`, where `M` is the product of the first primes, so the modulus is a power
//! of 65537 modulo `M`. The product grows with the key, and the first 39 primes are in every one.

/// Whether the modulus, big-endian, is a power of 65537 modulo the product of the first 39 primes.
///
/// Of random numbers about one in 2^154 is, so an honest key is not mistaken for such a one.
pub(super) fn is_fingerprint_of(modulus: &[u8]) -> bool {
    // For each prime an exponent, and the order of 65537: what is known of it is its remainder.
    let mut congruences: Vec<(u32, u32)> = Vec::with_capacity(PRIMES.len());
    for prime in PRIMES {
        match logarithm(residue(modulus, prime), prime) {
            Some(congruence) => congruences.push(congruence),
            None => return false,
        }
    }
    // One exponent has to do for all primes, which is so if any two of them agree (the Chinese
    // remainder theorem for moduli that have factors in common).
    let agree = |(one, order): (u32, u32), (other, other_order): (u32, u32)| {
        one.abs_diff(other) % gcd(order, other_order) == 0
    };
    let all_agree = |&one: &(u32, u32)| congruences.iter().all(|&other| agree(one, other));
    congruences.iter().all(all_agree)
}

fn residue(number: &[u8], prime: u32) -> u32 {
    number
        .iter()
        .fold(0, |residue, &byte| (residue << 8 | u32::from(byte)) % prime)
}

/// The exponent that makes the residue of 65537, and the order of 65537, both modulo the prime.
fn logarithm(residue: u32, prime: u32) -> Option<(u32, u32)> {
    let base = 65537 % prime;
    let (mut power, mut exponent, mut found) = (1, 0, None);
    loop {
        if power == residue {
            found = Some(exponent);
        }
        power = power * base % prime;
        exponent += 1;
        if power == 1 {
            return found.map(|found| (found, exponent));
        }
    }
}

fn gcd(one: u32, other: u32) -> u32 {
    if other == 0 {
        one
    } else {
        gcd(other, one % other)
    }
}

/// The first 39 primes without 2, modulo which every modulus is 1.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// 65537 to the power, big-endian.
    fn power_of_65537(power: u32) -> Vec<u8> {
        let mut number = vec![1];
        for _ in 0..power {
            // Times 65536 is two bytes more; then the number itself once more.
            let mut product = [&number[..], &[0, 0]].concat();
            let mut carry = 0;
            for (at, digit) in product.iter_mut().rev().enumerate() {
                let addend = number.iter().rev().nth(at).copied().unwrap_or(0);
                let sum = u16::from(*digit) + u16::from(addend) + carry;
                *digit = sum.to_le_bytes()[0];
                carry = sum >> 8;
            }
            assert_eq!(carry, 0);
            number = product;
        }
        number
    }

    #[test]
    fn powers_of_65537_have_the_fingerprint_and_their_neighbours_do_not() {
        for power in [0, 1, 2, 127, 128] {
            let number = power_of_65537(power);
            assert!(is_fingerprint_of(&number), "{power}");
            let mut neighbour = number;
            *neighbour.last_mut().unwrap() += 2;
            assert!(!is_fingerprint_of(&neighbour), "{power}");
        }
    }

    #[test]
    fn a_power_modulo_each_prime_is_not_enough() {
        // The square of 65537 modulo 11, and 65537 itself modulo every other prime.
        let number = [
            0x03, 0x53, 0x32, 0xc8, 0x3f, 0x7d, 0xc5, 0xae, 0xbb, 0xc1, 0x45, 0xb3, 0x30, 0x77,
            0xbd, 0x68, 0x61, 0x81, 0x66, 0x8d, 0x33, 0x78, 0xf8, 0xae, 0xe2, 0x20, 0xc4, 0x49,
        ];
        for prime in PRIMES {
            let power = if prime == 11 { 2 } else { 1 };
            let expected = 65537_u64.pow(power) % u64::from(prime);
            assert_eq!(u64::from(residue(&number, prime)), expected, "{prime}");
        }
        assert!(!is_fingerprint_of(&number));
    }
}
