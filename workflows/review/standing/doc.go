// Package standing tells how a review stands, from the states of a campaign and its packets, for
// whoever asks: who has what left, what is late, what is still to be carried out, how the last ones
// went. What the next one would ask is package population's ([population.Outlook]).
//
// The package imports review, its population and workflows; it does no I/O, reads no clock and draws
// no random numbers.
package standing
