//! `onelayer evaluate`: a saved model on a data set.
