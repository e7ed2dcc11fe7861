package promote

import "time"

// ClaimLife lets tests wait less for the claim of a run that seems to be dead. It is not less than
// the service's clock, which counts seconds, can tell.
func ClaimLife(d time.Duration) { claimLife = d }
