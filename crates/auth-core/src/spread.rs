use std::hash::{BuildHasher, RandomState};

/// A number from 0 to 1, to spread waits and lifetimes so that not everybody comes at once.
///
/// It is the randomness that the standard library seeds its hash maps with: good enough to spread,
/// and for nothing that must not be guessed.
///
/// # Example: full jitter
///
/// ```
/// use std::time::Duration;
///
/// let pause = Duration::from_millis(100).mul_f64(auth_core::spread());
/// assert!(pause < Duration::from_millis(100));
/// ```
pub fn spread() -> f64 {
    // 53 bits are what a float holds without rounding.
    let bits = RandomState::new().hash_one(()) >> 11;
    bits as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lie_from_zero_to_one_and_differ() {
        let numbers: Vec<f64> = (0..100).map(|_| spread()).collect();
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
        assert!(numbers.windows(2).any(|pair| pair[0] != pair[1]));
    }
}
