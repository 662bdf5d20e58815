package webhook

// Classify is classify.
var Classify = classify
