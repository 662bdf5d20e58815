package webhook

// Classify is classify, for tests.
var Classify = classify
