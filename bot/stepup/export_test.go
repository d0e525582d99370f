package stepup

// Hurry lets a question be awaited at the shortest pace, for a provider that is only slow by habit.
func (q Question) Hurry() { q.device.Interval = 1 }
