package slacksim

import (
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"net/http"
	"strings"
)

// pictures are the addresses of somebody's picture in several sizes, by Slack's keys. They are served from here.
func (s *Server) pictures(id string, sizes ...int) obj {
	o := obj{}
	for _, n := range sizes {
		o[fmt.Sprintf("image_%d", n)] = fmt.Sprintf("%s/avatars/%s-%d.png", s.publicBase(), id, n)
	}
	return o
}

// servePicture draws a square in a colour that follows from the name.
func servePicture(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/avatars/"), ".png")
	cut := strings.LastIndexByte(name, '-')
	var size int
	if _, err := fmt.Sscanf(name[cut+1:], "%d", &size); cut < 0 || err != nil || size < 1 || size > 1024 {
		http.NotFound(w, r)
		return
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(name[:cut])) // a hash takes everything
	n := h.Sum32()
	tile := image.NewPaletted(image.Rect(0, 0, size, size),
		color.Palette{color.RGBA{uint8(n), uint8(n >> 8), uint8(n >> 16), 255}})
	draw.Draw(tile, tile.Bounds(), image.NewUniform(tile.Palette[0]), image.Point{}, draw.Src)
	w.Header().Set("Content-Type", "image/png")
	_ = png.Encode(w, tile) // the client may have gone
}
