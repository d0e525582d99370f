// Package slacksim is a Slack workspace that runs locally: the Web API and Socket Mode for one app, and the people who
// use it. It would serve any app; it knows none.
package slacksim
