package sample

import "strconv"

//go:generate go run github.com/tinylib/msgp@v1.6.5 -file=citm.go -tests=false
//msgp:tag json

// A Citm is a document of the shape of citm_catalog.json: many small dicts, ints and nulls.
type Citm struct {
	AreaNames                map[string]string    `json:"areaNames" tnet:"areaNames" msgpack:"areaNames" bencode:"areaNames"`
	AudienceSubCategoryNames map[string]string    `json:"audienceSubCategoryNames" tnet:"audienceSubCategoryNames" msgpack:"audienceSubCategoryNames" bencode:"audienceSubCategoryNames"`
	BlockNames               map[string]string    `json:"blockNames" tnet:"blockNames" msgpack:"blockNames" bencode:"blockNames"`
	Events                   map[string]CitmEvent `json:"events" tnet:"events" msgpack:"events" bencode:"events"`
	Performances             []Performance        `json:"performances" tnet:"performances" msgpack:"performances" bencode:"performances"`
	SeatCategoryNames        map[string]string    `json:"seatCategoryNames" tnet:"seatCategoryNames" msgpack:"seatCategoryNames" bencode:"seatCategoryNames"`
	SubTopicNames            map[string]string    `json:"subTopicNames" tnet:"subTopicNames" msgpack:"subTopicNames" bencode:"subTopicNames"`
	SubjectNames             map[string]string    `json:"subjectNames" tnet:"subjectNames" msgpack:"subjectNames" bencode:"subjectNames"`
	TopicNames               map[string]string    `json:"topicNames" tnet:"topicNames" msgpack:"topicNames" bencode:"topicNames"`
	TopicSubTopics           map[string][]int64   `json:"topicSubTopics" tnet:"topicSubTopics" msgpack:"topicSubTopics" bencode:"topicSubTopics"`
	VenueNames               map[string]string    `json:"venueNames" tnet:"venueNames" msgpack:"venueNames" bencode:"venueNames"`
}

type CitmEvent struct {
	Description *string `json:"description" tnet:"description" msgpack:"description" bencode:"description"`
	ID          int64   `json:"id" tnet:"id" msgpack:"id" bencode:"id"`
	Logo        *string `json:"logo" tnet:"logo" msgpack:"logo" bencode:"logo"`
	Name        string  `json:"name" tnet:"name" msgpack:"name" bencode:"name"`
	SubTopicIDs []int64 `json:"subTopicIds" tnet:"subTopicIds" msgpack:"subTopicIds" bencode:"subTopicIds"`
	SubjectCode *string `json:"subjectCode" tnet:"subjectCode" msgpack:"subjectCode" bencode:"subjectCode"`
	Subtitle    *string `json:"subtitle" tnet:"subtitle" msgpack:"subtitle" bencode:"subtitle"`
	TopicIDs    []int64 `json:"topicIds" tnet:"topicIds" msgpack:"topicIds" bencode:"topicIds"`
}

type Performance struct {
	EventID        int64          `json:"eventId" tnet:"eventId" msgpack:"eventId" bencode:"eventId"`
	ID             int64          `json:"id" tnet:"id" msgpack:"id" bencode:"id"`
	Logo           *string        `json:"logo" tnet:"logo" msgpack:"logo" bencode:"logo"`
	Name           *string        `json:"name" tnet:"name" msgpack:"name" bencode:"name"`
	Prices         []Price        `json:"prices" tnet:"prices" msgpack:"prices" bencode:"prices"`
	SeatCategories []SeatCategory `json:"seatCategories" tnet:"seatCategories" msgpack:"seatCategories" bencode:"seatCategories"`
	SeatMapImage   *string        `json:"seatMapImage" tnet:"seatMapImage" msgpack:"seatMapImage" bencode:"seatMapImage"`
	Start          int64          `json:"start" tnet:"start" msgpack:"start" bencode:"start"`
	VenueCode      string         `json:"venueCode" tnet:"venueCode" msgpack:"venueCode" bencode:"venueCode"`
}

type Price struct {
	Amount                int64 `json:"amount" tnet:"amount" msgpack:"amount" bencode:"amount"`
	AudienceSubCategoryID int64 `json:"audienceSubCategoryId" tnet:"audienceSubCategoryId" msgpack:"audienceSubCategoryId" bencode:"audienceSubCategoryId"`
	SeatCategoryID        int64 `json:"seatCategoryId" tnet:"seatCategoryId" msgpack:"seatCategoryId" bencode:"seatCategoryId"`
}

type SeatCategory struct {
	Areas          []Area `json:"areas" tnet:"areas" msgpack:"areas" bencode:"areas"`
	SeatCategoryID int64  `json:"seatCategoryId" tnet:"seatCategoryId" msgpack:"seatCategoryId" bencode:"seatCategoryId"`
}

type Area struct {
	AreaID   int64   `json:"areaId" tnet:"areaId" msgpack:"areaId" bencode:"areaId"`
	BlockIDs []int64 `json:"blockIds" tnet:"blockIds" msgpack:"blockIds" bencode:"blockIds"`
}

// NewCitm returns one with as many of everything as the original.
func NewCitm() Citm {
	r := newRandom(9)
	c := Citm{
		AreaNames:                names(r, 17, 205705993),
		AudienceSubCategoryNames: map[string]string{"337100890": "Abonné"},
		BlockNames:               map[string]string{},
		Events:                   map[string]CitmEvent{},
		SeatCategoryNames:        names(r, 64, 338937235),
		SubTopicNames:            names(r, 19, 337184262),
		SubjectNames:             map[string]string{},
		TopicNames:               names(r, 4, 324846098),
		TopicSubTopics:           map[string][]int64{},
		VenueNames:               map[string]string{"PLEYEL_PLEYEL": "Salle Pleyel"},
	}
	for i := range 4 {
		c.TopicSubTopics[strconv.Itoa(324846098+i)] = ids(r, 3+i, 337184262)
	}
	for i := range 184 {
		c.Events[strconv.Itoa(138586341+i)] = citmEvent(r, int64(138586341+i))
	}
	for i := range 243 {
		c.Performances = append(c.Performances, performance(r, int64(339887544+i)))
	}
	return c
}

func names(r random, n, first int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[strconv.Itoa(first+i)] = title(r, 3)
	}
	return m
}

func ids(r random, n int, first int64) []int64 {
	list := make([]int64, n)
	for i := range list {
		list[i] = first + r.Int64N(1000)
	}
	return list
}

// title returns words with an accent here and there, which JSON and UTF-8 checks have to look at.
func title(r random, words int) string {
	s := ""
	for i := range words {
		if i > 0 {
			s += " "
		}
		s += r.pick("Arrière", "scène", "Orchestre", "1er", "balcon", "catégorie", "Quatuor", "Mozart", "de", "jardin", "Été", "Série")
	}
	return s
}

func citmEvent(r random, id int64) CitmEvent {
	e := CitmEvent{ID: id, Name: title(r, 3), SubTopicIDs: ids(r, 2+r.IntN(4), 337184262), TopicIDs: ids(r, 2, 324846098)}
	if r.IntN(4) == 0 {
		logo := "/images/" + r.word(24) + ".gif"
		e.Logo = &logo
	}
	return e
}

func performance(r random, id int64) Performance {
	p := Performance{EventID: 138586341 + r.Int64N(184), ID: id, Start: 1372701600000 + 1000*r.Int64N(1e7), VenueCode: "PLEYEL_PLEYEL"}
	for i := range 1 + r.IntN(7) {
		seats := 338937235 + int64(i)
		p.Prices = append(p.Prices, Price{10_000 + 250*r.Int64N(600), 337100890, seats})
		p.SeatCategories = append(p.SeatCategories, SeatCategory{areas(r), seats})
	}
	return p
}

func areas(r random) []Area {
	list := make([]Area, 4+r.IntN(14))
	for i := range list {
		list[i] = Area{AreaID: 205705993 + r.Int64N(17), BlockIDs: []int64{}}
	}
	return list
}
