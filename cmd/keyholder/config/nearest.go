package config

import (
	"reflect"
	"sort"
	"strings"
)

// nearest is the cure for an unknown key of a struct: the key that was probably meant, the place where this
// key belongs, or all keys there are.
func nearest(key string, here reflect.Type) string {
	known, place := sortedKeys(here), fieldsOf(here)
	best, distance := "", 99
	for _, candidate := range known {
		d := editDistance(strings.ToLower(key), candidate)
		if len(key) >= 3 && strings.HasPrefix(candidate, strings.ToLower(key)) {
			d = 1
		}
		// Of equals the one that stands first in the file: what comes after it is about it.
		if d < distance || d == distance && place[candidate] < place[best] {
			best, distance = candidate, d
		}
	}
	if distance <= min(max(2, len(best)/3), len(key)/2) {
		return "The nearest known key is " + best + "."
	}
	if places := placesOf(key); len(places) > 0 {
		return "It belongs in " + strings.Join(places, " or ") + "; the nearest known key here is " + best + "."
	}
	return "The nearest known key is " + best + "; the keys here are " + strings.Join(known, ", ") + "."
}

// nearestOf is the cure for an unknown word where only some are known.
func nearestOf(word string, known []string) string {
	best, distance := closest(word, known)
	if distance <= min(max(2, len(best)/3), len(word)/2) {
		return "The nearest known role is " + best + "."
	}
	return choices(known)
}

// closest is the known word with the least edit distance, of equals the first.
func closest(word string, known []string) (best string, distance int) {
	distance = 99
	for _, candidate := range known {
		if d := editDistance(strings.ToLower(word), candidate); d < distance {
			best, distance = candidate, d
		}
	}
	return best, distance
}

// placesOf names the groups in which a key is known.
func placesOf(key string) []string {
	var out []string
	var walk func(name string, t reflect.Type)
	walk = func(name string, t reflect.Type) {
		if t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || t == spanType {
			return
		}
		for tag, i := range fieldsOf(t) {
			if tag == key {
				out = append(out, name)
			}
			walk(tag, t.Field(i).Type)
		}
	}
	walk("the top of the file", reflect.TypeFor[Config]())
	sort.Strings(out)
	return out
}

// editDistance is the number of letters to change, add, remove or swap with their neighbour (optimal string
// alignment). Keys are short; longer input is cut, it is far from everything anyway.
func editDistance(a, b string) int {
	ra, rb := []rune(a), []rune(b)
	ra = ra[:min(len(ra), 64)]
	rows := make([][]int, len(ra)+1)
	for i := range rows {
		rows[i] = make([]int, len(rb)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(ra); i++ {
		for j := 1; j <= len(rb); j++ {
			cost := 1
			if ra[i-1] == rb[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && ra[i-1] == rb[j-2] && ra[i-2] == rb[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(ra)][len(rb)]
}
