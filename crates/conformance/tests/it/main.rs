//! The shape of the repository: who depends on whom, and that the demos are alike.

mod layers;
mod readme;
mod symmetry;
