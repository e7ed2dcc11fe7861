package check

// Active is how an active check tries things.
type Active struct{}
