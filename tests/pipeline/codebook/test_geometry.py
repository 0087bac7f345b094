from pipeline.codebook.geometry import Polygon


def test_polygons_start_anywhere_and_turn_either_way():
    ways = [(36, 37, 38, 40), (38, 40, 36, 37), (37, 36, 40, 38), (40, 38, 37, 36)]
    assert len({Polygon(through=way) for way in ways}) == 1
    assert Polygon(through=(36, 38, 37, 40)) != Polygon(through=ways[0])
