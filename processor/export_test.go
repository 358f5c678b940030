package processor

// SetSlice has a tick judge so many conversations again: small histories are cut into
// slices then.
func (h *Handler) SetSlice(conversations int) { h.slice = conversations }
