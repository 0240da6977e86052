//! The weaknesses of the original that concern what is verified here (contract m8 §9), by the numbers
//! they have there.

mod keys;
mod refresh;
mod verdicts;
