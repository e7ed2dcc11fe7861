package front

import "math"

// Zero stands for a limit of 0, as 0 itself stands for the service's default.
const Zero = math.MinInt

// Limit completes a limit: 0 becomes the service's default, Zero becomes 0, and what is below stays no limit.
func Limit(n *int, standard int) {
	switch *n {
	case 0:
		*n = standard
	case Zero:
		*n = 0
	}
}
