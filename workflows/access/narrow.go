package access

// Narrows implements [workflows.Narrowed]: the role that is gained, and whether it is urgent.
func (s State) Narrows() []string {
	var out []string
	if s.Want.Role != "" {
		out = append(out, s.Want.Role)
	}
	if s.Urgent {
		out = append(out, "urgent")
	}
	return out
}
