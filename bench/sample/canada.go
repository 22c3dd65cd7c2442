package sample

import "math"

//go:generate go run github.com/tinylib/msgp@v1.6.5 -file=canada.go -tests=false
//msgp:tag json

// A Canada is a document of the shape of canada.json: little but coordinates.
type Canada struct {
	Type     string    `json:"type" tnet:"type" msgpack:"type" bencode:"type"`
	Features []Feature `json:"features" tnet:"features" msgpack:"features" bencode:"features"`
}

type Feature struct {
	Type       string     `json:"type" tnet:"type" msgpack:"type" bencode:"type"`
	Properties Properties `json:"properties" tnet:"properties" msgpack:"properties" bencode:"properties"`
	Geometry   Geometry   `json:"geometry" tnet:"geometry" msgpack:"geometry" bencode:"geometry"`
}

type Properties struct {
	Name string `json:"name" tnet:"name" msgpack:"name" bencode:"name"`
}

type Geometry struct {
	Type        string         `json:"type" tnet:"type" msgpack:"type" bencode:"type"`
	Coordinates [][][2]float64 `json:"coordinates" tnet:"coordinates" msgpack:"coordinates" bencode:"coordinates"`
}

// NewCanada returns one with as many rings and points as the original.
func NewCanada() Canada {
	const rings, points = 480, 55_563
	r := newRandom(8)
	list := make([][][2]float64, rings)
	for i := range list {
		list[i] = coast(r, points/rings)
	}
	return Canada{"FeatureCollection", []Feature{{"Feature", Properties{"Canada"}, Geometry{"Polygon", list}}}}
}

// coast returns n points, each near the one before.
func coast(r random, n int) [][2]float64 {
	points := make([][2]float64, n)
	x, y := -141+r.Float64()*88, 42+r.Float64()*41
	for i := range points {
		x, y = x+r.NormFloat64()/50, y+r.NormFloat64()/50
		points[i] = [2]float64{degree(r, x), degree(r, y)}
	}
	return points
}

// degree rounds to six places and then misses that a little, as the original does; that is why its
// numbers have fifteen places.
func degree(r random, f float64) float64 {
	f = math.Round(f*1e6) / 1e6
	for range 1 + r.IntN(3) {
		f = math.Nextafter(f, 0)
	}
	return f
}
