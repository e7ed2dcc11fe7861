package promote

import "time"

// LeaseTime lets tests wait less for the claim of a run that seems to be dead. It is not less than
// the service's clock, which counts seconds, can tell.
func LeaseTime(d time.Duration) { leaseTime = d }
