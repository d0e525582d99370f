// Package review is the machines for access reviews: a campaign per account and period, one packet per reviewer, and the calendar that opens campaigns.
package review
