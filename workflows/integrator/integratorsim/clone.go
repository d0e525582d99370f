package integratorsim

import (
	"reflect"
	"time"
)

// clone copies the world with everything in it. Pointers to the same thing stay pointers to one copy, so the copy is a
// world of its own in which handlers work as they do in the present.
func clone(w *world) *world {
	seen := map[uintptr]reflect.Value{}
	return deep(reflect.ValueOf(w), seen).Interface().(*world)
}

var timeType = reflect.TypeFor[time.Time]()

func deep(v reflect.Value, seen map[uintptr]reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		if c, ok := seen[v.Pointer()]; ok {
			return c
		}
		c := reflect.New(v.Type().Elem())
		seen[v.Pointer()] = c
		c.Elem().Set(deep(v.Elem(), seen))
		return c
	case reflect.Interface:
		if v.IsNil() {
			return v
		}
		return deep(v.Elem(), seen)
	case reflect.Struct:
		c := reflect.New(v.Type()).Elem()
		c.Set(v)
		if v.Type() == timeType {
			return c
		}
		for i := range v.NumField() {
			c.Field(i).Set(deep(v.Field(i), seen))
		}
		return c
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			c.Index(i).Set(deep(v.Index(i), seen))
		}
		return c
	case reflect.Map:
		if v.IsNil() {
			return v
		}
		c := reflect.MakeMapWithSize(v.Type(), v.Len())
		for k, x := range v.Seq2() {
			c.SetMapIndex(k, deep(x, seen))
		}
		return c
	}
	return v
}
