from cutline.labels import Classes
from cutline.scores import Scores
from cutline.metrics import *
